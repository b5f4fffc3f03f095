"""The limbs that hand incoming SMS on; one folder for each kind."""
