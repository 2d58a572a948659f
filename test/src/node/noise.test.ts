import assert from 'node:assert/strict'
import { noise as otherNoise } from '@libp2p/noise'
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
})
