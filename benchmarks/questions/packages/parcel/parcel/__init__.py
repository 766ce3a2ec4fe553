"""A parcel service: sizes, zones, rates, extras and quotes."""
