#!/bin/sh
# Makes five node directories and one development genesis on the volumes of compose.yaml. Runs once: where a
# genesis is, nothing is touched.
set -eu

if [ -f /setup/network/genesis.cbor ]; then
  echo 'the network exists already'
  exit 0
fi

# A run that was interrupted left nodes without a genesis: nobody can have used them.
for i in 1 2 3 4 5; do
  find "/setup/data/node$i" "/setup/keys/node$i" -mindepth 1 -delete
done

adopt=''
members=''
for i in 1 2 3 4 5; do
  if [ "$i" = 1 ]; then
    bootstrap=''
  else
    peer=$(sed -n 's/.*"peerId": "\([A-Za-z0-9]*\)".*/\1/p' /setup/data/node1/node/member.json)
    bootstrap="--bootstrap /dns4/node1/tcp/4001/p2p/$peer"
  fi
  # shellcheck disable=SC2086 # the bootstrap option is two words or none
  holdfast init --dir "/setup/data/node$i/node" --keys-dir "/setup/keys/node$i/node" --label "node$i" \
    --profile lan --allow-plain $bootstrap
  members="$members /setup/data/node$i/node/member.json"
  adopt="$adopt,/setup/data/node$i/node"
done

# Adopted by every node first, kept for this script last: an interrupted run starts over.
# shellcheck disable=SC2086 # a list of file names without spaces
holdfast genesis create --threshold 3 --environment development --name compose \
  --out /tmp/genesis.cbor --adopt "${adopt#,}" $members
cp /tmp/genesis.cbor /setup/network/genesis.cbor
