import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]


def run(code):
    return subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)


def test_torchvision_timm_and_smp_import_in_a_fresh_process():
    done = run(
        "import uscl.models.torchvision_cpu, torchvision, timm, segmentation_models_pytorch\n"
        "from torchvision.transforms import v2\n"
        "print(torchvision.models.resnet18(weights=None).fc.out_features)"
    )
    assert done.stdout == "1000\n", done.stderr


def test_other_import_errors_are_not_hidden():
    done = run(
        "import importlib, sys\n"
        "real = importlib.import_module\n"
        "def broken(name, *rest):\n"
        "    if name == 'torchvision': raise RuntimeError('disk on fire')\n"
        "    return real(name, *rest)\n"
        "importlib.import_module = broken\n"
        "import uscl.models.torchvision_cpu"
    )
    assert done.returncode != 0
    assert "disk on fire" in done.stderr


def test_a_working_torchvision_is_left_alone():
    done = run(
        "import sys, types\n"
        "sys.modules['torchvision'] = working = types.ModuleType('torchvision')\n"
        "import uscl.models.torchvision_cpu\n"
        "print(sys.modules['torchvision'] is working)"
    )
    assert done.stdout == "True\n", done.stderr
