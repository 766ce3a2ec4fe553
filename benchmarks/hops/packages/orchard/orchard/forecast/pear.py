"""Pears."""

from orchard.forecast.trees import TreeModel


class PearModel(TreeModel):
    """Pear trees bear late and long."""

    points = ((4.0, 0.0), (8.0, 40.0), (20.0, 60.0))
