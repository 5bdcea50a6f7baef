# shellcheck shell=bash

help_images() {
  cat << 'TEXT'
Usage: ./scripts/lab images

Pulls or builds the images that 'up' needs (Debian base, machine, nginx, registry), so that 'up' takes seconds. Images are
kept in Docker by a hash of what they are made of; 'down --all --purge' removes them.
TEXT
}

prepare_images() {
  ensure_vm_image
  ensure_nginx_image
  build_image registry 15 > /dev/null
}

run_images() {
  (($# == 0)) || usage_error "images takes no argument but --help"
  "$LAB_HOME/docker-daemon" ensure
  with_lock images prepare_images
  say "all images are there"
}
