#!/bin/sh
# W6: rounds of the short processes that a build is made of. Argument: rounds.
rounds=${1:-600}
i=0
while [ "$i" -lt "$rounds" ]; do
	/bin/true
	/bin/echo x >/dev/null
	/usr/bin/expr "$i" + 1 >/dev/null
	sh -c 'ls / | wc -l' >/dev/null
	sed -n 1p /etc/passwd >/dev/null
	i=$((i + 1))
done
