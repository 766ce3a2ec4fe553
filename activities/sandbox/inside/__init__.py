"""What runs inside the sandbox: nothing here imports anything but the standard library and pytest.

The folder is bound into every sandbox and imported there as the package `hydra_inside`.
"""
