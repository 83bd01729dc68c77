# Run once by `sh` in the container that prepares a service of the compose document, before the service starts: the
# repository's files, its dependencies, its build. Arguments: whose packages it needs (python, node or both), the service's
# folder, then its build command, if any.
set -eu
mkdir -p project
cp -R /source/. project
cd -- "project/$2"
packages=$1
shift 2

if [ "$packages" = python ]; then
    :
elif [ -f package-lock.json ]; then
    npm ci --ignore-scripts --no-audit --no-fund
elif [ -f package.json ]; then
    npm install --ignore-scripts --no-audit --no-fund
fi

# What a folder does not declare itself, a folder around it does.
[ "$packages" = node ] || (
    while ! [ -f requirements.txt ] && ! [ -f pyproject.toml ] && [ "$PWD" != /var/tmp/project ]; do cd ..; done
    if [ -f requirements.txt ]; then set -- -r requirements.txt; elif [ -f pyproject.toml ]; then set -- .; else exit 0; fi
    [ -d /var/tmp/python ] || python3 -m venv /var/tmp/python
    /var/tmp/python/bin/python -m pip install --quiet --no-cache-dir "$@"
)

if [ $# -gt 0 ]; then "$@"; fi
