import { setFlagsFromString } from 'node:v8'

/**
 * Imported first: the young generation of this process stays small, or becomes so again. A node passes on
 * bytes, large buffers that die at once behind small objects. The engine frees them with the objects, when the young
 * generation is full; one that has grown to its usual 16 MiB fills so slowly that the buffers reach the limit for
 * memory outside the heap first, and then the whole heap is marked, twice a second under load.
 */
setFlagsFromString('--semi-space-growth-factor=1')
