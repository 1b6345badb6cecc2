from tortoise import migrations
from tortoise.migrations import operations as ops
from tortoise import fields


class Migration(migrations.Migration):
    dependencies = [("storage", "0004_asking")]

    operations = [
        ops.AddField(model_name="Customer", name="reference_claimed", field=fields.BooleanField(null=True)),
    ]
