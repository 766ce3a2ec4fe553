"""HydraNet fixes bugs with local models and quits dead approaches on purpose."""

__version__ = "0.1.0"
