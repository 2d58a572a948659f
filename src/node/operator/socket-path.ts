import { constants } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { basename, dirname } from 'node:path'

/** A path that the system takes for a unix socket, and how to let go of what holds it. */
export interface SocketPath {
  readonly path: string
  close(): Promise<void>
}

const MAX_SOCKET_PATH = 103 // sun_path of the strictest system, its final zero left out

/**
 * The path under which a socket in a deep folder can be named: itself where it is short enough, else, on Linux, by
 * the descriptor of its folder. Throws RangeError where there is no such way.
 */
export async function socketPath(file: string): Promise<SocketPath> {
  if (Buffer.byteLength(file) <= MAX_SOCKET_PATH)
    return { path: file, close: async () => undefined }
  if (process.platform !== 'linux')
    throw new RangeError(`${file} is too long for a socket: choose a shorter dataDir`)
  const folder: FileHandle = await open(dirname(file), constants.O_RDONLY | constants.O_DIRECTORY)
  return {
    path: `/proc/self/fd/${folder.fd}/${basename(file)}`,
    close: () => folder.close(),
  }
}
