"""Stations: clinics, sites and stations are made here, enrol here, and get what they should work by."""
