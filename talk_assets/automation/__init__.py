"""What starts runs by itself: sensors that ask for changes, one for what is owed, and the schedule of whole reads."""
