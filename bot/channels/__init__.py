"""One module or package per channel: what comes in becomes messages of ours, what goes out is drawn natively."""
