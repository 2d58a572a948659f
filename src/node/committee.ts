import type { Connection, Libp2p, Stream } from '@libp2p/interface'
import { decodeCanonical, encodeCanonical } from '../../protocols/session/canonical-cbor.ts'
import { DecodeError } from '../../protocols/session/codec.ts'
import { ChannelError, FrameChannel, type FrameLimits } from './channels/frame-channel.ts'
import type { PeerLimits } from './limits.ts'
import type { Log } from './log.ts'

export const COMMITTEE_PROTOCOL = '/holdfast/committee/1.0.0'
const STREAMS = 4
const REQUEST_BYTES = 128 // of the only request so far
const EXCHANGE_MS = 10_000

/** An answer is at most 256 KiB (07 §7). */
const FRAMES: FrameLimits = {
  maxFrame: 256 * 1024,
  readHigh: 512 * 1024,
  maxUnread: 8,
  maxQueued: 512 * 1024,
  stallMs: EXCHANGE_MS,
}

const GENESIS_REQUEST = encodeCanonical(['genesis', 1])

/** Answers `genesis` with the bytes of the file; whoever asks checks their hash (03 §3.2). */
export async function serveCommittee(
  node: Libp2p,
  genesis: Uint8Array,
  limits: PeerLimits,
  log: Log,
): Promise<void> {
  const answer = async (stream: Stream, connection: Connection): Promise<void> => {
    const from = connection.remotePeer.toString()
    const channel = new FrameChannel(stream, FRAMES)
    const signal = AbortSignal.timeout(EXCHANGE_MS)
    try {
      if (!limits.mayOpenStream(from) || !limits.mayRequest(from))
        throw new ChannelError('LIMIT_EXCEEDED')
      readRequest(await channel.read(signal))
      await channel.write(genesis)
      await channel.close(signal)
      await channel.ended(signal)
    } catch (error) {
      const isBroken =
        error instanceof DecodeError ||
        (error instanceof ChannelError && error.code === 'FRAME_SIZE')
      if (isBroken) limits.protocolError(from)
      log.debug('committee-ended', { reason: error instanceof Error ? error.message : 'unknown' })
      channel.abort('FAILED')
    }
  }
  await node.handle(COMMITTEE_PROTOCOL, (stream, connection) => void answer(stream, connection), {
    maxInboundStreams: STREAMS,
    maxOutboundStreams: STREAMS,
    runOnLimitedConnection: false,
  })
}

/** The genesis bytes that the peer of a connection has; not checked. Throws `ChannelError` or the signal's reason. */
export async function askGenesis(connection: Connection, signal: AbortSignal): Promise<Uint8Array> {
  const bounded = AbortSignal.any([signal, AbortSignal.timeout(EXCHANGE_MS)])
  const stream = await connection.newStream(COMMITTEE_PROTOCOL, { signal: bounded })
  const channel = new FrameChannel(stream, FRAMES)
  try {
    await channel.write(GENESIS_REQUEST)
    const genesis = await channel.read(bounded)
    await channel.close(bounded)
    return genesis
  } catch (error) {
    channel.abort('CANCELLED')
    throw error
  }
}

function readRequest(frame: Uint8Array): void {
  const value = decodeCanonical(frame, REQUEST_BYTES, 1)
  if (!Array.isArray(value) || value.length !== 2 || value[0] !== 'genesis' || value[1] !== 1)
    throw new DecodeError('not a request that this build knows')
}
