from orchard.packing.label import crate_label
from orchard.packing.scale import Scale


def test_the_label_has_the_net_weight_of_several_boxes():
    assert crate_label(Scale("box", 4), "pear", 60.0) == "pear 52.8 kg"


def test_the_label_has_the_net_weight_of_one_box():
    assert crate_label(Scale("box"), "pear", 20.0) == "pear 18.2 kg"
