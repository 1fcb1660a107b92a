"""Build with the arguments of this script; print the processor seconds of parent and workers."""

from __future__ import annotations

import json
import resource
import sys

from sftdata.cli.build import command

if __name__ == "__main__":  # a worker imports this script
    command(sys.argv[1:], standalone_mode=False)
    own, workers = map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    seconds = {"parent": own, "workers": workers}
    print(json.dumps({name: use.ru_utime + use.ru_stime for name, use in seconds.items()}))
