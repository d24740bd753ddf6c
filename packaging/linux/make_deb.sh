#!/bin/sh
# Makes a Debian package of dist/workbench: sh packaging/linux/make_deb.sh
# It installs to /opt/paper-workbench, with a menu entry, icons in all sizes and the type of run files.
set -eu
cd "$(dirname "$0")/../.."
here=packaging/linux
bundle=dist/workbench
[ -x "$bundle/workbench" ] || { echo "There is no bundle in $bundle; 'make bundle' builds it." >&2; exit 1; }

version=$(sed -n 's/^version = "\(.*\)"$/\1/p' pyproject.toml)
architecture=$(dpkg --print-architecture)
libc=$(getconf GNU_LIBC_VERSION | cut -d' ' -f2)
root=build/deb
target="dist/paper-workbench_${version}_${architecture}.deb"

rm -rf "$root"
mkdir -p "$root/DEBIAN" "$root/opt" "$root/usr/bin" "$root/usr/share/applications" "$root/usr/share/metainfo" \
    "$root/usr/share/mime/packages" "$root/usr/share/icons" "$root/usr/share/doc/paper-workbench"
cp -a "$bundle" "$root/opt/paper-workbench"
ln -s /opt/paper-workbench/workbench "$root/usr/bin/paper-workbench"
cp "$here/paper-workbench.desktop" "$root/usr/share/applications/"
cp "$here/paper-workbench-mime.xml" "$root/usr/share/mime/packages/paper-workbench.xml"
cp -a build/icons/hicolor "$root/usr/share/icons/"
mkdir -p "$root/usr/share/icons/hicolor/scalable/apps"
cp resources/icons/workbench.svg "$root/usr/share/icons/hicolor/scalable/apps/paper-workbench.svg"
sed -e "s/@VERSION@/$version/" -e "s/@DATE@/$(date -u +%F)/" "$here/org.paper_workbench.PaperWorkbench.metainfo.xml" \
    > "$root/usr/share/metainfo/org.paper_workbench.PaperWorkbench.metainfo.xml"
echo "The licences of all parts: Help > About > Licences, or /opt/paper-workbench/_internal/licences and *.dist-info." \
    > "$root/usr/share/doc/paper-workbench/copyright"

cat > "$root/DEBIAN/control" <<CONTROL
Package: paper-workbench
Version: $version
Architecture: $architecture
Maintainer: The Paper workbench developers <noreply@localhost>
Section: science
Priority: optional
Installed-Size: $(du -sk "$root" | cut -f1)
Depends: libc6 (>= $libc), libegl1, libgl1, libglx-mesa0, libgl1-mesa-dri, libxcb1, libfontconfig1, fonts-dejavu-core
Recommends: libportaudio2, shared-mime-info, desktop-file-utils
Description: deep-learning papers as live panels
 Open a paper, press Train, watch its model learn, play with it by mouse, and
 check the paper's claims against numbers measured in front of you.
CONTROL

find "$root" -type d -exec chmod 755 {} +
dpkg-deb --root-owner-group -Zxz -z3 --build "$root" "$target" >/dev/null
ls -l "$target"
