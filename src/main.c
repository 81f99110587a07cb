#include "digitalism/base/log.h"
#include <stdio.h>
int main(void)
{
    log_info("not yet");
    return 0;
}
