from tortoise import migrations
from tortoise.migrations import operations as ops
from bot.storage.fields import Key
from tortoise import fields
from tortoise.indexes import Index, PartialIndex


class Migration(migrations.Migration):
    dependencies = [("storage", "0001_initial")]

    operations = [
        ops.CreateModel(
            name="Incident",
            fields=[
                ("id", Key(primary_key=True, unique=True, db_index=True)),
                ("dimension", Key()),
                ("value", Key()),
                ("channel", Key()),
                ("address_key", Key()),
                ("cases", fields.BigIntField()),
                ("opened_at", fields.BigIntField()),
                ("last_at", fields.BigIntField(db_index=True)),
                ("revision", fields.BigIntField()),
                ("body", fields.TextField(unique=False)),
            ],
            options={"table": "incident", "app": "storage", "pk_attr": "id"},
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Reply",
            fields=[
                ("id", Key(primary_key=True, unique=True, db_index=True)),
                ("case_id", Key(db_index=True)),
                ("person", Key(db_index=True)),
                ("author", Key()),
                ("text", fields.TextField(unique=False)),
                ("at", fields.BigIntField()),
                ("lost", fields.BooleanField()),
            ],
            options={"table": "reply", "app": "storage", "pk_attr": "id"},
            bases=["Model"],
        ),
        ops.AddField(model_name="FollowupCase", name="owner_name", field=Key(null=True)),
        ops.AddField(model_name="FollowupCase", name="language", field=Key(null=True)),
        ops.AddField(model_name="FollowupCase", name="priority", field=Key(null=True)),
        ops.AddField(model_name="FollowupCase", name="team", field=Key(null=True)),
        ops.AddField(model_name="FollowupCase", name="cause", field=Key(null=True)),
        ops.AddField(model_name="FollowupCase", name="first_word_at", field=fields.BigIntField(null=True)),
        ops.AddField(model_name="FollowupCase", name="first_resolved_at", field=fields.BigIntField(null=True)),
        ops.AddField(model_name="FollowupCase", name="closed_at", field=fields.BigIntField(null=True)),
        ops.AddField(model_name="FollowupCase", name="incident", field=Key(null=True)),
        ops.AddField(model_name="FollowupCase", name="spoke_at", field=fields.BigIntField(null=True)),
        ops.AddField(model_name="FollowupCase", name="fixed_asked_at", field=fields.BigIntField(null=True)),
        ops.AddIndex(model_name="FollowupCase", index=Index(fields=["opened_at", "id"], name="case_by_time")),
        ops.AddIndex(model_name="FollowupCase", index=Index(fields=["language", "opened_at"], name="case_by_language")),
        ops.AddIndex(model_name="FollowupCase", index=Index(fields=["owner_name", "opened_at"], name="case_by_owner")),
        ops.AddIndex(model_name="FollowupCase", index=Index(fields=["incident", "opened_at"], name="case_of_incident")),
        ops.AddField(model_name="Words", name="attachments", field=fields.TextField(null=True)),
        ops.AddField(model_name="Words", name="in_thread", field=fields.BooleanField(null=True)),
        ops.AddField(model_name="Outbox", name="thread", field=Key(null=True)),
        ops.AddIndex(
            model_name="Outbox",
            index=PartialIndex(fields=["id", "channel"], name="outbox_queued", condition={"state": "queued"}),
        ),
    ]
