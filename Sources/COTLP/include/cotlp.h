/* The wire format of OTLP: what walks its bytes, and nothing that decodes them into objects. */
#pragma once

#include "cotlp_index.h"
#include "cotlp_json.h"
#include "cotlp_json_read.h"
#include "cotlp_messages.h"
#include "cotlp_rules.h"
#include "cotlp_span.h"
