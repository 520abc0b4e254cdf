# shellcheck shell=bash disable=SC2154
# The path of somebody who has an nginx with a site, and no Sluice yet: what the README files of the package
# say, in their order, until the site is limited. Sourced by run.sh.

docs=usr/share/doc/sluice  # in the root

# A server as Debian's nginx has it, with three places where a line comes in; without Sluice, Redis, and what
# the tests before have left.
have_a_site() {
  apt inside purge -y redis-server redis-tools || return 1
  rm -f "$clean/etc/nginx/conf.d/sluice_site.conf" "$clean"/etc/nginx/sites-enabled/*
  rm -rf "$clean/etc/sluice"
  mkdir -p "$clean/srv/site"
  echo 'my site' >"$clean/srv/site/index.html"
  printf '%s\n' 'server {' '    listen 8081;' '    root /srv/site;' '    location / {' '        index index.html;' \
    '    }' '}' >"$clean/etc/nginx/sites-enabled/site"
  cp "$clean/etc/nginx/nginx.conf" "$clean/root/nginx.conf"
  inside systemctl restart nginx && [[ $(ask http://127.0.0.1:8081/) == 'my site' ]]
}

line_of() {  # SNIPPET: prints the README's line that includes it
  sed -nE "/^http \{/,/^\}/s|^ *(include /usr/share/sluice/nginx/$1;).*|\1|p" "$clean/$docs/README.nginx.md"
}

add_three_lines() {
  local http server gate
  http=$(line_of sluice_http.conf) server=$(line_of sluice_server.conf) gate=$(line_of sluice_gate.conf)
  [[ -n $http && -n $server && -n $gate ]] || return 1
  sed -i "s|^http {|&\n$http|" "$clean/etc/nginx/nginx.conf"
  sed -i "s|^server {|&\n$server|; s|^    location / {|&\n$gate|" "$clean/etc/nginx/sites-enabled/site"
}

say_what_is_limited() {
  sed -n '/^routes = (/,/^);/{p; /^);/q}' "$clean/$docs/README.nginx.md" >>"$clean/etc/sluice/sluice.cfg"
  inside sluice check /etc/sluice/sluice.cfg
}

statuses() { ask -o /dev/null -w '%{http_code}\n' "$@" | sort | uniq -c | xargs; }  # CURL-ARGUMENT…

# Of the routes in the README: 5 logins a minute, which this site does not have, and 600 requests; some were
# asked to see whether there are limits yet.
is_limited() {
  local logins pages fields
  logins=$(statuses -X POST 'http://127.0.0.1:8081/login?[1-6]') pages=$(statuses 'http://127.0.0.1:8081/?[1-601]')
  fields=$(ask -o /dev/null -D - http://127.0.0.1:8081/ | grep -ciE '^(ratelimit|ratelimit-policy|retry-after):')
  say "logins: $logins; pages: $pages"
  [[ $logins == '5 404 1 429' && $pages =~ ^59[0-9]\ 200\ [0-9]+\ 429$ && $fields == 3 ]]
}

newcomer() {
  local began=$SECONDS installed
  apt inside install -y /root/sluice.deb || return 1
  installed=$((SECONDS - began))
  inside systemctl enable -q --now sluice@1.socket sluice@2.socket && say_what_is_limited && add_three_lines &&
    inside nginx -t -q && inside systemctl reload nginx || return 1
  await 10 shows_limits && is_limited || return 1
  say "limited $((SECONDS - began)) s after the first command, $installed s of them for apt"
  ((SECONDS - began < 300))
}

shows_limits() { ask -o /dev/null -D - http://127.0.0.1:8081/login | grep -q '^RateLimit:'; }

# The block of the examples' README, as it stands, in an nginx without the three lines. No application runs.
an_example_runs() {
  local block
  cp "$clean/root/nginx.conf" "$clean/etc/nginx/nginx.conf"
  rm "$clean/etc/nginx/sites-enabled/site"
  sed -i '/^routes = (/,/^);/d' "$clean/etc/sluice/sluice.cfg"
  block=$(sed -n '/^    cd /,/^$/p' "$clean/$docs/examples/README.md")
  inside bash -ec "$block" || return 1
  await 10 example_is_there
  block=$(statuses 'http://127.0.0.1:8080/items?[1-6]')
  say "items: $block"
  [[ $block == '1 429 5 502' ]]
}

example_is_there() { [[ $(ask -o /dev/null -w '%{http_code}' http://127.0.0.1:8080/) == 502 ]]; }
