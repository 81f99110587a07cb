"""The fixtures of the integration tests, for the long ones.

Not here: anything of its own.
"""

import importlib.util
import pathlib
import sys

INTEGRATION = pathlib.Path(__file__).resolve().parents[1] / "integration"
sys.path.insert(0, str(INTEGRATION))

spec = importlib.util.spec_from_file_location("integration_conftest", INTEGRATION / "conftest.py")
integration_conftest = importlib.util.module_from_spec(spec)
spec.loader.exec_module(integration_conftest)
globals().update({name: value for name, value in vars(integration_conftest).items() if not name.startswith("__")})
