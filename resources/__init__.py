"""What runs share: the factory of this ORKET_HOME or its records alone, the feed of events, the flag that stops."""

from resources.factory import FactoryResource
from resources.records import RecordsResource

RESOURCES = {"factory": FactoryResource(), "records": RecordsResource()}

__all__ = ["RESOURCES", "FactoryResource", "RecordsResource"]
