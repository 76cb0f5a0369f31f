#!/bin/sh
# Makes a base image of Debian's own packages, for machines that reach Debian's mirrors but no image registry: the
# Debian release and the Python minor version of the Dockerfile's base. Usage: debian_base.sh IMAGE
set -eu

image=${1:?the name of the image to make}
! buildah inspect --type image "$image" >/dev/null 2>&1 || exit 0

echo "Making $image of Debian's packages, once" >&2
tarball=$(mktemp --suffix=.tar)
container=''
trap 'rm -f "$tarball"; [ -z "$container" ] || buildah rm "$container" >/dev/null' EXIT
# What this machine trusts, the base trusts: behind a proxy with a certificate of its own, downloads work in it too.
SOURCE_DATE_EPOCH=0 mmdebstrap --quiet --variant=minbase --include=ca-certificates,python3,python3-venv \
    --customize-hook='copy-in /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs' trixie "$tarball"
container=$(buildah from scratch)
buildah add --quiet "$container" "$tarball" / >/dev/null
buildah config --env PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "$container"
buildah commit --quiet --timestamp 0 "$container" "$image" >/dev/null
