#!/usr/bin/env -S gjs -m
// SPDX-License-Identifier: Apache-2.0
// An editor that compiles, runs and tunes a kernel in C: gjs -m main.js
import System from 'system';

import {Application} from './application.js';

const application = new Application();
System.exit(application.run([System.programInvocationName, ...ARGV]));
