#!/bin/sh
# What must pass before a change is merged: the tests of the service and, where there is one, of the page, which must
# build, too. Arguments go to pytest.
set -e
cd "$(dirname "$0")/.."
python -m pytest -q "$@"
if [ -e frontend/package.json ]; then
    npm --prefix frontend test
    npm --prefix frontend run build
fi
