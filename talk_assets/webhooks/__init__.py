"""What Exact tells by itself: notifications are received, told from forgeries, and kept until they are acted upon."""
