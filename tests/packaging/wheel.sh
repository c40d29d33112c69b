# Sourced after `bootstrap tests`: the wheel, built from the sdist, installed where no source of it is left.
#
#   install_wheel DIRECTORY
#
# sets $fresh (the interpreter that has the wheel) and $unpacked (the sdist without its sources: the tests' place).

install_wheel() {
    guarded "$python" -m build --no-isolation --sdist --outdir "$1" "$root" >/dev/null
    tar -xzf "$1"/envconn-*.tar.gz -C "$1"
    unpacked=$(echo "$1"/envconn-*/)
    guarded "$python" -m build --no-isolation --wheel --outdir "$1" "$unpacked" >/dev/null
    rm -rf "$unpacked/src" "$unpacked/integrations"

    # A new environment that owns the wheel alone. The packages it needs are lent by the one of the tests,
    # whose own .pth files, and with them the editable install of the checkout, are not read that way.
    # One of them is asked for: the one that measures what a test starts (coverage's `patch = subprocess`).
    guarded "$python" -m venv --without-pip "$1/fresh"
    fresh=$1/fresh/bin/python
    _site='import sysconfig; print(sysconfig.get_path("purelib"))'
    _lent=$("$python" -c "$_site")
    { echo "$_lent" && cat "$_lent/a1_coverage.pth"; } >"$("$fresh" -c "$_site")/lent.pth"
    _lender=$python python=$fresh
    choose_pip
    pip install --no-deps --no-index "$1"/envconn-*.whl
    python=$_lender
    "$fresh" -P -c 'import envconn, sys; assert envconn.__file__.startswith(sys.prefix), envconn.__file__'
}
