from tortoise import migrations
from tortoise.migrations import operations as ops
from bot.storage.fields import Key
from tortoise import fields


class Migration(migrations.Migration):
    dependencies = [("storage", "0006_asked_for_a_person")]

    operations = [
        ops.CreateModel(
            name="PanelMember",
            fields=[
                ("id", Key(primary_key=True, unique=True, db_index=True)),
                ("customer", Key(db_index=True)),
                ("channel", Key()),
                ("address_key", Key()),
                ("flow_id", Key()),
                ("version", Key()),
                ("question", Key()),
                ("locale", Key()),
                ("joined_at", fields.BigIntField()),
                ("left_at", fields.BigIntField(null=True)),
                ("left_by", Key(null=True)),
            ],
            options={"table": "panel_member", "app": "storage", "pk_attr": "id"},
            bases=["Model"],
        ),
        ops.AddField(model_name="Customer", name="panel_since", field=fields.BigIntField(null=True)),
    ]
