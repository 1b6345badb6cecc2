from tortoise import migrations
from tortoise.migrations import operations as ops
from bot.storage.fields import Key
from tortoise import fields
from tortoise.indexes import Index, PartialIndex


class Migration(migrations.Migration):
    dependencies = [("storage", "0003_shared_values")]

    operations = [
        ops.CreateModel(
            name="Link",
            fields=[
                ("id", Key(primary_key=True, unique=True, db_index=True)),
                ("flow_id", Key()),
                ("known_as", Key(null=True)),
                ("locale", Key(null=True)),
                ("attributes", fields.TextField(unique=False)),
                ("made_at", fields.BigIntField()),
                ("expires_at", fields.BigIntField(null=True, db_index=True)),
                ("conversation", Key(null=True)),
            ],
            options={"table": "link", "app": "storage", "pk_attr": "id"},
            bases=["Model"],
        ),
        ops.AddField(model_name="Customer", name="locale_source", field=Key(null=True)),
        ops.AddField(model_name="Customer", name="time_zone_source", field=Key(null=True)),
        ops.AddIndex(model_name="Customer", index=Index(fields=["reference"], name="customer_of_reference")),
        ops.AddField(model_name="Interaction", name="dealing", field=fields.TextField(null=True)),
        ops.AddField(model_name="Interaction", name="revision", field=fields.BigIntField(null=True)),
        ops.AddIndex(model_name="Interaction", index=Index(fields=["reference"], name="interaction_of_reference")),
        ops.AddField(model_name="Decision", name="key", field=Key(null=True, unique=True)),
        ops.AddField(model_name="Decision", name="steps", field=fields.TextField(null=True)),
        ops.AddField(model_name="Decision", name="source", field=Key(null=True)),
        ops.AddField(model_name="Decision", name="reference", field=Key(null=True)),
        ops.AddField(model_name="Decision", name="known_as", field=Key(null=True)),
        ops.AddField(model_name="Decision", name="repeats", field=fields.BigIntField(null=True)),
        ops.AddField(model_name="Decision", name="occasion", field=fields.TextField(null=True)),
        ops.AddField(model_name="Decision", name="triggered_at", field=fields.BigIntField(null=True)),
        ops.AddIndex(model_name="Decision", index=Index(fields=["interaction"], name="decision_of_interaction")),
        ops.AddIndex(model_name="Decision", index=Index(fields=["reference"], name="decision_of_reference")),
        ops.AddIndex(model_name="Decision", index=Index(fields=["known_as"], name="decision_of_known")),
        ops.AddIndex(model_name="Decision", index=Index(fields=["address_key"], name="decision_of_key")),
        ops.AddIndex(model_name="Decision", index=Index(fields=["triggered_at", "id"], name="decision_by_trigger")),
        ops.AddIndex(
            model_name="Decision",
            index=PartialIndex(fields=["at"], name="decision_of_event", condition={"trigger": "event"}),
        ),
    ]
