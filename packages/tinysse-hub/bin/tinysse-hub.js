#!/usr/bin/env node
// A committed file, so that `npm ci` can link the command before anything is built.
import '../dist/main.js';
