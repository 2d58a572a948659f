import assert from 'node:assert/strict'
import { noise } from '@chainsafe/libp2p-noise'
import { noise as otherNoise } from '@libp2p/noise'
import { FrameChannel } from '../../../src/node/channels/frame-channel.ts'
import { noiseCrypto } from '../../../src/node/noise-crypto.ts'
import { whole } from '../../../src/node/whole-writes.ts'
import { addressOf, bareHost } from './support/hosts.ts'

describe('both packages of Noise', () => {
  it('speak to each other, whoever dials', async () => {
    const ours = await bareHost()
    const other = await bareHost({ encrypter: otherNoise() as never })
    try {
      for (const [from, to] of [
        [ours, other],
        [other, ours],
      ] as const) {
        const connection = await from.dial(addressOf(to), { force: true })
        assert.ok(connection.remotePeer.equals(to.peerId))
        assert.equal(connection.encryption, '/noise')
      }
    } finally {
      await Promise.all([ours.stop(), other.stop()])
    }
  })

  for (const [name, other] of [
    ['itself', undefined],
    ['the same wire without it', otherNoise() as never],
  ] as const)
    it(`carry frames of every size between what nodes run and ${name}`, async () => {
      const ours = await bareHost({ encrypter: whole(noise({ crypto: noiseCrypto })) as never })
      const peer = await bareHost(
        other === undefined
          ? { encrypter: whole(noise({ crypto: noiseCrypto })) as never }
          : { encrypter: other },
      )
      try {
        await peer.handle('/echo/1', async (stream) => {
          const channel = new FrameChannel(stream)
          for (const _ of SIZES) await channel.write(await channel.read())
        })
        const channel = new FrameChannel(await ours.dialProtocol(addressOf(peer), '/echo/1'))
        for (const [i, size] of SIZES.entries()) {
          const sent = new Uint8Array(size).fill(i + 1)
          await channel.write(sent)
          assert.deepEqual(await channel.read(), sent)
        }
      } finally {
        await Promise.all([ours.stop(), peer.stop()])
      }
    })
})

const SIZES = [1, 300, 399, 400, 5_000, 65_519, 65_536, 200_000, 262_144, 2]
