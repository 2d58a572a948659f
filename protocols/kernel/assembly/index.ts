/** What JavaScript sees of the kernel: every export is a whole operation over the arena and the slots. */
import { curveInit } from './curve-init'
import { ARENA, ARENA_BYTES } from './memory'
import { slotsInit } from './slots'

export { heldCount, kind, slotsEnd, wipe, wipeAll } from './slots'
