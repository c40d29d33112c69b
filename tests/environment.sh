# Sourced by the commands in this folder: the environment of the tests, made where there is none yet.
#
# Sets $root, $python and what they share. Results go to the cache directory: the checkout may be read-only.
root=$(cd "$(dirname "$0")/.." && pwd -P)
. "$root/examples/bootstrap.sh"
. "$root/tests/uv.sh"
bootstrap tests "$root/tests/requirements.txt"
unset PYTHONDONTWRITEBYTECODE PYTEST_ADDOPTS
export ENVCONN_TEST_SCRAP="$scrap" ENVCONN_TEST_CACHE="$cache" ENVCONN_TEST_SERVERS="$cache/servers" \
    COVERAGE_FILE="$cache/coverage/data" HYPOTHESIS_STORAGE_DIRECTORY="$cache/hypothesis"
