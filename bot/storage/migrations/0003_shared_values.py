from tortoise import migrations
from tortoise.migrations import operations as ops
from bot.storage.fields import Key
from tortoise import fields
from tortoise.indexes import Index


class Migration(migrations.Migration):
    dependencies = [("storage", "0002_followup")]

    operations = [
        ops.CreateModel(
            name="SharedValue",
            fields=[
                ("id", fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)),
                ("case_id", Key()),
                ("dimension", Key()),
                ("value", Key()),
                ("opened_at", fields.BigIntField()),
            ],
            options={
                "table": "shared_value",
                "app": "storage",
                "unique_together": (("case_id", "dimension", "value"),),
                "indexes": [Index(fields=["dimension", "value", "opened_at"], name="shared_by_cases")],
                "pk_attr": "id",
            },
            bases=["Model"],
        ),
    ]
