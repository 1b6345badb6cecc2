from tortoise import migrations
from tortoise.migrations import operations as ops
from tortoise import fields
from bot.storage.fields import Key


class Migration(migrations.Migration):
    dependencies = [("storage", "0007_panel")]

    operations = [
        ops.CreateModel(
            name="Notice",
            fields=[
                ("topic", Key(primary_key=True, unique=True, db_index=True)),
                ("slot", Key()),
                ("state", Key()),
                ("digest", Key()),
                ("at", fields.BigIntField()),
            ],
            options={"table": "notice", "app": "storage", "pk_attr": "topic"},
            bases=["Model"],
        ),
    ]
