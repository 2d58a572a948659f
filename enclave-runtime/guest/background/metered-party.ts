import type { Codec } from '../../../protocols/session/codec.ts'
import type { Party } from '../../../protocols/session/round.ts'

/** The same party; `spent` hears how many bytes it sends, of all that it sends to. */
export function meteredParty(party: Party, spent: (bytes: number) => void): Party {
  const counted = <T>(codec: Codec<T>, copies: number): Codec<T> => ({
    encode(message) {
      const bytes = codec.encode(message)
      spent(bytes.length * copies)
      return bytes
    },
    decode: (bytes) => codec.decode(bytes),
  })
  const others = party.everyone.length - 1
  return {
    me: party.me,
    everyone: party.everyone,
    instanceId: party.instanceId,
    publish: (round, mine, each) =>
      party.publish({ ...round, codec: counted(round.codec, others) }, mine, each),
    deal: (round, messageFor) =>
      party.deal({ ...round, codec: counted(round.codec, 1) }, messageFor),
    exchange: (round, letters, from) =>
      party.exchange({ ...round, codec: counted(round.codec, 1) }, letters, from),
    send: (round, to, message) =>
      party.send({ ...round, codec: counted(round.codec, 1) }, to, message),
    receive: (round, from) => party.receive(round, from),
  }
}
