"""What the operator chose on the screen: kept by workspace and user, in the user's state directory."""
