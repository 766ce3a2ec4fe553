"""An almanac: bookings of rooms, how they recur, and the agenda of a day."""
