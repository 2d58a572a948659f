import type { NoiseKeyPair } from '../../../protocols/session/noise-kk.ts'
import { Channels } from '../channels.ts'
import type { ChannelsDeps } from '../peer-channel.ts'
import type { RoomPlan, RoomPost } from '../rooms/room-plan.ts'

/** The channels of a room, from what it is opened with (04 §11). */
export function roomChannels<Key>(
  { committee, channelMembers }: RoomPlan,
  own: { readonly identity: NoiseKeyPair<Key>; readonly bootId: Uint8Array },
  deps: ChannelsDeps<Key>,
): RoomPost {
  const { networkId, committeeId, epoch, epochId, me } = committee
  return new Channels<Key>(
    { me: me.index, members: channelMembers, networkId, committeeId, e: epoch.e, epochId, ...own },
    deps,
  )
}
