#pragma once

#include "cotlp_json.h"
#include "cotlp_messages.h"
