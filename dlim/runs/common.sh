# What the scripts of a learner's folder share. They run in that folder; $own is dlim's folder in it.

fail() {
    printf '%s\n' "$*" >&2
    exit 1
}

# PROGRAM ...: end where the server lacks one of them.
tools() {
    for tool; do
        command -v "$tool" >/dev/null || {
            echo "$tool: not found" >&2
            exit 127
        }
    done
}

# The digest of standard input; the digests of the files in a folder, each with the file's name. openssl is several times
# faster, but not everywhere.
if command -v openssl >/dev/null; then
    digest() {
        sum=$(openssl dgst -sha256 -r) && printf '%s\n' "${sum%% *}"
    }
    digests() { (cd "$1" && find . -type f -exec openssl dgst -sha256 -r {} +) | sed 's/ \*/ /'; }
else
    tools sha256sum
    digest() {
        sum=$(sha256sum) && printf '%s\n' "${sum%% *}"
    }
    digests() { (cd "$1" && find . -type f -exec sha256sum {} +); }
fi

# TEXT: as a line, written by a program that says what is wrong where it can't be: not every shell does.
line() { printf '%s\n' "$1" | cat; }

# LINK TARGET: let a link say that, from one moment to the next.
point() {
    rm -f "$1.dlim-new"
    ln -s "$2" "$1.dlim-new" && mv -Tf "$1.dlim-new" "$1"
}
