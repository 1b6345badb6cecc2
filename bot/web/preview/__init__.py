"""The preview as a page: each message of each flow as every channel draws it; whoever looks at it leaves nothing."""

from bot.web.preview.pages import Files, add_preview, add_preview_alone

__all__ = ["Files", "add_preview", "add_preview_alone"]
