import { parentPort } from 'node:worker_threads';
import { readPipeline } from './read-pipeline.ts';

/** Reads large pipeline files beside the service: texts come in, definitions or problems go out. */
parentPort?.on('message', (text: string) => parentPort?.postMessage(readPipeline(text)));
