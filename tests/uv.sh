# Sourced after examples/bootstrap.sh by what sets up large environments, four of them for .ci/run: uv takes seconds
# where pip takes most of a minute. uv is pinned, too, and where it cannot do it, pip does.

install_pinned() {
    if _fetch_uv "$root/tests/uv.txt" &&
        UV_CACHE_DIR=$cache/uv/cache UV_PYTHON_DOWNLOADS=never UV_NO_PROGRESS=1 guarded "$cache/uv/bin/uv" pip install \
            --quiet --python "$python" --no-build --no-deps --require-hashes -r "$1"; then
        return
    fi
    echo "uv is of no use here: pip installs instead" >&2
    pip_pinned -r "$1"
}

_fetch_uv() {
    [ -x "$cache/uv/bin/uv" ] || pip_pinned --target "$cache/uv" -r "$1"
}
