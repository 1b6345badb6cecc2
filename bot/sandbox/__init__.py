"""Local stand-ins of the Telegram Bot API and of Slack, and a page to chat through them."""
