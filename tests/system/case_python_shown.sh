# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2034,SC2154
# What is shown of Python frames: the options, the names, a whole application. With case_python.sh.

case_python_only() {
	local samples kinds
	spawn root $python_debian /opt/oxtest/work.py
	profile_warm "$pid" 2000
	query --session="$session"
	samples=$(json 'd["samples"]')
	kinds=$(json 'sorted({r["kind"] for r in d["records"]} - {"kernel"})')
	expect_equal "$kinds" "['native', 'python']"
	query --session="$session" --python-only
	expect_json "d['samples'] == $samples and {r['kind'] for r in d['records']
		if not r['name'].startswith('[')} == {'python'}"
	# The time in C counts for who called it.
	expect_json 'any(r["function"] == "bottom" and r["self"] == r["total"] > 0
		for r in d["records"])'
	query --session="$session" --native-only
	expect_json "d['samples'] == $samples and {r['kind'] for r in d['records']} == {'native'}"
	query --session="$session" --by=stack --python-only
	expect_json 'all("(__main__)" in name or "(json" in name or "(re" in name
		or "(codecs)" in name or name.startswith("[")
		for r in d["records"] for name in r["name"].split(";"))'
	# 25 times through C code, and nothing of the interpreter's own between.
	query --session="$session" --by=stack
	expect_depth 'crc32' 'descend\(__main__\)' 25
	expect_json 'not any("_PyEval_EvalFrameDefault" in ";".join(r["name"].split(";")[:-1])
		for r in d["records"] if "bottom(__main__)" in r["name"])'
}

# In all the widths that there are; and the process is gone when they are asked for.
case_python_names() {
	local name names_fd=()
	python_find "$(python_seconds 'debian|3\.(6|10|13)\..*' '.*')"
	for name in "${!pythons[@]}"; do
		spawn_waiting root sh -c 'read -r go; exec "$0" "$@"' "${pythons[$name]}" \
			/opt/oxtest/names.py 2
		python_pid[$name]=$pid
		names_fd+=("$spawn_fd")
	done
	oxprofctl unpause "${python_pid[@]/#/--pid=}" --frequency=999
	for spawn_fd in "${names_fd[@]}"; do
		spawn_go
	done
	wait "${python_pid[@]}"
	oxprofctl pause
	for name in "${!pythons[@]}"; do
		echo "$name"
		query --python-only --pid="${python_pid[$name]}"
		json '[r["name"][:60] for r in d["records"]][:8]'
		expect_json 'all(any(r["name"] == "%s(módulo_%d_模块)" % (name, n)
			and r["file"] == "/añ/файл_%d_𠀀.py" % n and r["line"] and r["self"] > 100
			for r in d["records"])
			for n, name in enumerate(("größe", "функция", "函数", "𠀀名")))'
		expect_json 'any(r["function"].startswith("x" * 200) and r["module"] == "módulo_4_模块"
			and len(r["function"]) < 3000 for r in d["records"])'
	done
}

case_python_web() {
	need /usr/lib/python3/dist-packages/flask
	local first last
	first=$(grep -n '^def view_page' /opt/oxtest/web.py | cut -d: -f1)
	last=$((first + 3))
	spawn root $python_debian /opt/oxtest/web.py 6 >/tmp/web.out
	wait_until grep -q ready /tmp/web.out
	oxprofctl unpause --pid="$pid" --frequency=999
	wait "$pid"
	oxprofctl pause
	tail -n 1 /tmp/web.out
	query --by=line --pid="$pid"
	expect_json "any(r['function'] == 'view_page' and r['module'] == '__main__'
		and r['file'] == '/opt/oxtest/web.py' and $first <= r['line'] <= $last
		for r in d['records'])"
	query --by=stack --pid="$pid"
	# From the server's thread through the framework to the view, and into C code.
	expect_stacks '_bootstrap\(threading\);.*wsgi_app\(flask\.app\);.*view_hash\(__main__\)' 0.05
	expect_stacks 'wsgi_app\(flask\.app\);.*view_page\(__main__\);build_rows\(__main__\)' 0.01
	expect_json 'any(re.search(r"view_hash\(__main__\);[^;]*.*libcrypto", r["name"])
		for r in d["records"])'
	expect_json 'any(re.search(r"view_hash\(__main__\);[^;]*.*(deflate|libz)", r["name"])
		for r in d["records"])'
}
