#!/bin/sh
# /etc/letsencrypt/renewal-hooks/deploy/reload-nginx.sh: a new certificate is used at once.
# The certificate: certbot certonly --webroot or --nginx -d signer.example; certbot.timer renews it.
# Name the only authority that may issue one in the zone: signer.example. CAA 0 issue "letsencrypt.org"
set -eu
nginx -t -q
systemctl reload nginx
