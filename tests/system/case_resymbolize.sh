# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2034,SC2154
# What had no name gets one later.

case_resymbolize() {
	local samples distinct unnamed file=/opt/oxtest/inlines-later.debug
	mv "$file" /tmp/later.debug
	spawn root /opt/oxtest/inlines-later
	profile "$pid" 1000
	expect_unnamed "$pid" inlines-later
	query --by=stack
	samples=$(json 'd["samples"]')
	distinct=$(json 'd["distinct"]')
	unnamed=$(sql "SELECT count(*) FROM functions WHERE name GLOB 'inlines-later+0x*'")
	[ "$unnamed" -gt 1 ]
	# The build-id is there for everyone to see which file is missing.
	expect_equal "$(sql "SELECT count(*) FROM frame JOIN function ON function.id = function
		WHERE name GLOB 'inlines-later+0x*' AND build_id = '$(readelf -n \
			/opt/oxtest/inlines-later | sed -n 's/.*Build ID: //p')'")" "$(sql "
		SELECT count(*) FROM frame JOIN function ON function.id = function
		WHERE name GLOB 'inlines-later+0x*'")"

	expect_ok oxprofctl resymbolize
	expect_unnamed "$pid" inlines-later

	install -D -m 644 /tmp/later.debug \
		"/usr/lib/debug/$(build_id_path /opt/oxtest/inlines-later)"
	expect_ok oxprofctl resymbolize --json
	expect_json "d['named'] >= $unnamed - 2"
	query --by=stack
	expect_json "d['samples'] == $samples == sum(r['self'] for r in d['records'])"
	expect_json "d['distinct'] <= $distinct"
	expect_json 'len({r["name"] for r in d["records"]}) == len(d["records"])'
	expect_json 'sum(r["self"] for r in d["records"] if re.search(
		r"main\(inlines-later\);work\(inlines-later\)", r["name"])) > 0.9 * d["samples"]'
	query
	expect_json 'any(r["function"] == "work" for r in d["records"])'
	expect_equal "$(sql "SELECT total_hits = (SELECT sum(hits) FROM stacks
		WHERE folded GLOB '*work(inlines-later)*') FROM functions
		WHERE function = 'work' LIMIT 1")" 1
	# A second time there is nothing to do, and that is no failure.
	expect_ok oxprofctl resymbolize --json
	expect_json 'd["named"] == 0'
	systemctl restart oxprofd
	query
	expect_json 'any(r["function"] == "work" for r in d["records"])'
}

# With nothing in the history.
case_resymbolize_nothing() {
	expect_ok oxprofctl resymbolize
}

# It changes what others see.
case_resymbolize_is_not_for_all() {
	expect_refused 1 as alice oxprofctl resymbolize
}
