"""The modal screens: each gets view data and dismisses with a result; none of them knows the SDK."""
