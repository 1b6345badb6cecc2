from tortoise import migrations
from tortoise.migrations import operations as ops
from bot.storage.fields import Key
from tortoise import fields


class Migration(migrations.Migration):
    dependencies = [("storage", "0005_claimed_reference")]

    operations = [
        ops.AddField(model_name="Customer", name="locale_sureness", field=fields.BigIntField(null=True)),
        ops.AddField(model_name="FollowupCase", name="why", field=Key(null=True)),
    ]
