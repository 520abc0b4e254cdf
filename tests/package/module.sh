# shellcheck shell=bash disable=SC2154
# The package of nginx's module, in an nginx whose workers are www-data, beside workers that are sluice.
# Sourced by run.sh.

enabled=/etc/nginx/modules-enabled/50-mod-http-sluice.conf

module_is_installed() {
  cp build/package/libnginx-mod-http-sluice_*.deb "$clean/root/module.deb" || return 1
  apt inside install -y /root/module.deb && inside nginx -t -q &&
    [[ $(inside readlink $enabled) == /usr/share/nginx/modules-available/mod-http-sluice.conf ]] &&
    [[ $(inside stat -c '%a %U' /usr/lib/nginx/modules/ngx_http_sluice_module.so) == '644 root' ]]
}

site_of_module() {  # 5 pages a minute
  mkdir -p "$clean/srv/site"
  echo 'my site' >"$clean/srv/site/index.html"
  cat >>"$clean/etc/sluice/sluice.cfg" <<'CFG'
routes = ( { name = "pages"; match = "/*"; limits = ( { name = "pages"; scope = "ip"; rate = "5/minute"; } ); } );
CFG
  cat >"$clean/etc/nginx/conf.d/module.conf" <<'CONF'
sluice_config /etc/sluice/sluice.cfg;
server { listen 8082; root /srv/site; location / { sluice auto; } }
CONF
  inside systemctl reload nginx 'sluice@*.service' && await 10 module_decides
}

module_decides() { ask -o /dev/null -D - http://127.0.0.1:8082/none | grep -q '^RateLimit:'; }

# What nginx has counted is told by the workers, as both have one memory.
module_serves() {
  local pages counted owner
  site_of_module || return 1
  inside redis-cli flushall >/dev/null
  pages=$(statuses 'http://127.0.0.1:8082/?[1-6]')
  counted=$(ask "http://127.0.0.1:$port/metrics" | grep -c 'route="pages",outcome="denied"} 1$')
  owner=$(inside sh -c 'stat -c %U /dev/shm/sluice-*')
  say "pages: $pages; denials counted: $counted; owner of the memory: $owner"
  [[ $pages == '5 200 1 429' && $counted == 1 && $owner == sluice ]] &&
    ! inside grep -q 'nothing is shared' /var/log/nginx/error.log
}

module_goes() {
  rm "$clean/etc/nginx/conf.d/module.conf"
  sed -i '/^routes = .*"pages"/d' "$clean/etc/sluice/sluice.cfg"
  apt inside remove -y libnginx-mod-http-sluice || return 1
  [[ ! -L $clean$enabled ]] && inside systemctl restart nginx && await 20 both_serve || return 1
  apt inside purge -y libnginx-mod-http-sluice && [[ -z $(inside find /etc/nginx -name '*mod-http-sluice*') ]]
}
