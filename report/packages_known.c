/*
 * Debian builds -dbgsym packages by itself; packages with a -dbg package made by hand have none.
 * The tables are of Debian 12, with numbers of versions as '#': tests/check/dbgpackages.py compares
 * them with what apt-cache knows. Not here: -dbg packages that are other builds and no debug files
 * (libstdc++6-12-dbg, python3-*-dbg, libpetsc*-dbg), and those of kernels.
 */
#include <stdio.h>
#include <string.h>

#include "common/base/bits.h"
#include "report/packages.h"

enum { CAPTURE_MAX = 16, KNOWN_PATH_MAX = 512 };

/* '#': a number, the same everywhere; '*': anything; "lua5.#" is lua5.4. */
struct known {
	const char *pattern, *package;
};

/* NAME has NAME-dbg; patterns with blanks between them. */
static const char same_name[] =
	"binutils-* cdcd ceph-base ceph-common ceph-immutable-object-cache ceph-mds ceph-mgr "
	"ceph-mon ceph-osd cephfs-mirror coinor-libipopt1v5 connectome-workbench cupt "
	"dibbler-client dibbler-relay dibbler-server dvdbackup flowgrind freedink-dfarc "
	"graphicsmagick gtkpod hylafax-client hylafax-server libadns1 "
	"libapache2-mod-ldap-userdir libapache2-mod-ruwsgi libapache2-mod-uwsgi libbinutils "
	"libboolstuff-0.1-0 libc6 libcephfs2 libcerf1 libclutter-imcontext-0.1-0 libctf-nobfd0 "
	"libctf0 libdb5.3 libdkim1d libdotconf0 libedac1 libflickcurl0 libftdi1 libgprofng0 "
	"libiptcdata0 libitpp8v5 libivykis0 liblua5.#-0 libmonoboehm-2.0-1 libmonosgen-2.0-1 "
	"libnet1 libnl-3-200 liboobs-1-5 libopencsg1 libpcre3 libperformance0.5 "
	"libpsm-infinipath1 librados2 libradosstriper1 librbd1 librgw2 librsskit0d librtfilter1 "
	"libspf2-2 libsqlite3-mod-ceph libtelepathy-farstream3 liburfkill-glib0 libustr-1.0-1 "
	"libxdg-basedir1 libxdmcp6 libxmlrpc-epi0 libxxf86vm1 lxappearance lxappearance-obconf "
	"lxinput mit-scheme moonshot-gss-eap moonshot-trust-router mp3splt nam ns2 pdfcube "
	"pidgin-mra pidgin-nateon plume-creator radosgw rbd-fuse rbd-mirror rbd-nbd "
	"stretchplayer structure-synth systempreferences.app tclcl tftp-hpa trousers unagi "
	"valgrind vsftpd";

/* What one package holds for several. */
static const struct known joint[] = {
	{ "flickcurl-utils", "libflickcurl0-dbg" },
	{ "libao4", "libao-dbg" },
	{ "libatomicparsley0", "gtkpod-dbg" },
	{ "libcupt4-2", "cupt-dbg" },
	{ "libcupt4-2-downloadmethod-curl", "cupt-dbg" },
	{ "libcupt4-2-downloadmethod-wget", "cupt-dbg" },
	{ "libenca0", "libenca-dbg" },
	{ "libgraphics-magick-perl", "graphicsmagick-dbg" },
	{ "libgraphicsmagick*", "graphicsmagick-dbg" },
	{ "libgsl#", "libgsl-dbg" },
	{ "libgssapi-krb5-2", "libkrb5-dbg" },
	{ "libgtkpod1", "gtkpod-dbg" },
	{ "libk5crypto3", "libkrb5-dbg" },
	{ "libkibi0", "libkibi-dbg" },
	{ "libkrb5-3", "libkrb5-dbg" },
	{ "libkrb5support0", "libkrb5-dbg" },
	{ "libmp3splt", "mp3splt-dbg" },
	{ "libnabrit3", "libnabrit-dbg" },
	{ "libpcrecpp0v5", "libpcre3-dbg" },
	{ "libpreferencepanes1", "systempreferences.app-dbg" },
	{ "libpsurface0v5", "libpsurface-dbg" },
	{ "libpython3.#*", "python3.#-dbg" },
	{ "librep16", "librep-dbg" },
	{ "libtclcl1", "tclcl-dbg" },
	{ "libtr-tid2", "moonshot-trust-router-dbg" },
	{ "libtspi1", "trousers-dbg" },
	{ "libvdk2-2c2", "libvdk2-dbg" },
	{ "libvpb1", "libvpb-dbg" },
	{ "lua5.#", "liblua5.#-0-dbg" },
	{ "mono-runtime-boehm", "mono-runtime-dbg" },
	{ "mono-runtime-sgen", "mono-runtime-dbg" },
	{ "mp3splt-gtk", "mp3splt-dbg" },
	{ "octave-psychtoolbox-3", "psychtoolbox-3-dbg" },
	{ "openjdk-#-*", "openjdk-#-dbg" },
	{ "psurface", "libpsurface-dbg" },
	{ "python3.#*", "python3.#-dbg" },
	{ "syslog-ng-core", "syslog-ng-dbg" },
	{ "tftpd-hpa", "tftp-hpa-dbg" },
	{ "uwsgi-core", "uwsgi-dbg" },
};

/* Files by path, or by name where the pattern has no '/'. */
static const struct known files[] = {
	{ "*/java-#-openjdk-*", "openjdk-#-dbg" },
	{ "*/libexec/valgrind/*", "valgrind-dbg" },
	{ "*/x86_64-linux-gnu/gconv/*.so", "libc6-dbg" },
	{ "ld-linux-*.so.#", "libc6-dbg" },
	{ "libBrokenLocale.so.1", "libc6-dbg" },
	{ "libGraphicsMagick*.so.*", "graphicsmagick-dbg" },
	{ "libanl.so.1", "libc6-dbg" },
	{ "libbfd-*.so", "libbinutils-dbg" },
	{ "libc.so.6", "libc6-dbg" },
	{ "libc_malloc_debug.so.0", "libc6-dbg" },
	{ "libdl.so.2", "libc6-dbg" },
	{ "libgssapi_krb5.so.2*", "libkrb5-dbg" },
	{ "libk5crypto.so.3*", "libkrb5-dbg" },
	{ "libkrb5.so.3*", "libkrb5-dbg" },
	{ "liblua5.#.so.*", "liblua5.#-0-dbg" },
	{ "libm.so.6", "libc6-dbg" },
	{ "libmvec.so.1", "libc6-dbg" },
	{ "libnsl.so.1", "libc6-dbg" },
	{ "libnss_compat.so.2", "libc6-dbg" },
	{ "libnss_dns.so.2", "libc6-dbg" },
	{ "libnss_files.so.2", "libc6-dbg" },
	{ "libnss_hesiod.so.2", "libc6-dbg" },
	{ "libopcodes-*.so", "libbinutils-dbg" },
	{ "libpcre.so.3*", "libpcre3-dbg" },
	{ "libpthread.so.0", "libc6-dbg" },
	{ "libpython3.#.so.*", "python3.#-dbg" },
	{ "libresolv.so.2", "libc6-dbg" },
	{ "librt.so.1", "libc6-dbg" },
	{ "libthread_db.so.1", "libc6-dbg" },
	{ "libutil.so.1", "libc6-dbg" },
	{ "lua5.#", "liblua5.#-0-dbg" },
	{ "python3.#", "python3.#-dbg" },
};

/* A number of up to CAPTURE_MAX - 1 digits, which must be the captured one when there is one. */
static size_t match_number(const char *text, char capture[CAPTURE_MAX])
{
	size_t n = strspn(text, "0123456789");

	if (!n || n >= CAPTURE_MAX ||
	    (capture[0] && (strlen(capture) != n || memcmp(capture, text, n) != 0)))
		return 0;
	memcpy(capture, text, n);
	capture[n] = 0;
	return n;
}

/* Goes back to the last '*' only, as is enough for such patterns: no more than n * n steps. */
static bool matches(const char *pattern, const char *text, char capture[CAPTURE_MAX])
{
	const char *star = NULL, *from = NULL;
	char before[CAPTURE_MAX];

	memset(capture, 0, CAPTURE_MAX);
	while (*text || *pattern) {
		size_t n = *pattern == '#' ? match_number(text, capture) : 0;

		if (*pattern == '*') {
			star = ++pattern;
			from = text;
			memcpy(before, capture, sizeof(before));
		} else if (n) {
			pattern++;
			text += n;
		} else if (*text && *pattern == *text) {
			pattern++;
			text++;
		} else if (star && *from) {
			pattern = star;
			text = ++from;
			memcpy(capture, before, sizeof(before));
		} else {
			return false;
		}
	}
	return true;
}

static void fill_in(const char *package, const char *capture, char ret[PACKAGES_NAME_MAX])
{
	size_t before = strcspn(package, "#");

	if (package[before])
		snprintf(ret, PACKAGES_NAME_MAX, "%.*s%s%s", (int)before, package, capture,
			 package + before + 1);
	else
		snprintf(ret, PACKAGES_NAME_MAX, "%s", package);
}

void packages_debug_of(const char *owner, char ret[PACKAGES_NAME_MAX])
{
	char capture[CAPTURE_MAX];

	for (size_t i = 0; i < N_ELEMENTS(joint); i++) {
		if (matches(joint[i].pattern, owner, capture)) {
			fill_in(joint[i].package, capture, ret);
			return;
		}
	}
	for (const char *at = same_name; *at; at += strspn(at, " ")) {
		size_t n = strcspn(at, " ");
		char pattern[PACKAGES_NAME_MAX];

		snprintf(pattern, sizeof(pattern), "%.*s", (int)n, at);
		at += n;
		if (matches(pattern, owner, capture)) {
			snprintf(ret, PACKAGES_NAME_MAX, "%.*s-dbg", PACKAGES_NAME_MAX - 8, owner);
			return;
		}
	}
	snprintf(ret, PACKAGES_NAME_MAX, "%.*s-dbgsym", PACKAGES_NAME_MAX - 8, owner);
}

bool packages_debug_of_file(const char *path, char ret[PACKAGES_NAME_MAX])
{
	const char *name = strrchr(path, '/');
	char capture[CAPTURE_MAX];

	if (!name || strlen(path) > KNOWN_PATH_MAX)
		return false;
	for (size_t i = 0; i < N_ELEMENTS(files); i++) {
		const char *text = strchr(files[i].pattern, '/') ? path : name + 1;

		if (matches(files[i].pattern, text, capture)) {
			fill_in(files[i].package, capture, ret);
			return true;
		}
	}
	return false;
}
